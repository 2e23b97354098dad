// Uses the client of @hey-api/openapi-ts: node … URL TOKEN
import assert from "node:assert/strict";
import {
  createExample,
  deleteExample,
  downloadAttachment,
  getExample,
  listExamples,
  updateExample,
  uploadAttachment,
} from "./generated/hey";
import { client } from "./generated/hey/client.gen";
import type { StoredFile, ExampleCreate, ExampleResponse } from "./generated/hey";

const [baseUrl = "", token = ""] = process.argv.slice(2);

async function main(): Promise<void> {
  client.setConfig({ baseUrl, auth: token });
  const body: ExampleCreate = { name: "By hey", status: "active" };
  const created = await createExample({ body });
  assert(created.data, JSON.stringify(created.error));
  const example: ExampleResponse = created.data.data;
  const path = { example_id: example.id };

  const taken = await createExample({ body });
  assert(taken.error?.code === 409);
  const reason: "example_name_taken" = taken.error.error;
  assert.equal(reason, "example_name_taken");

  const read = await getExample({ path });
  const etag = read.response?.headers.get("ETag") ?? "";
  assert.equal(read.data?.data.name, "By hey");
  const headers = { "If-Match": etag };
  const changed = await updateExample({ path, headers, body: { quantity: 3 } });
  assert.equal(changed.data?.data.quantity, 3);
  const stale = await deleteExample({ path, headers });
  assert(stale.error?.code === 412);
  assert.equal(stale.error.error, "example_changed");
  const invalid = await updateExample({ path, body: {} });
  assert(invalid.error?.code === 422 && invalid.error.error === "validation_error");
  assert.equal(invalid.error.data.errors[0]?.location, "body");

  const query = { status: "active", q: "by HEY", sort: "-name", with_total: true } as const;
  const listed = await listExamples({ query });
  assert.deepEqual(listed.data?.data.items.map((each) => each.id), [example.id]);
  assert.equal(listed.data.data.total, 1);

  const content = new File(["some text"], "notes.txt", { type: "text/plain" });
  const uploaded = await uploadAttachment({ path, body: { file: content } });
  assert(uploaded.data, JSON.stringify(uploaded.error));
  const file: StoredFile = uploaded.data.data;
  assert.equal(file.name, "notes.txt");
  const downloaded = await downloadAttachment({
    path: { ...path, attachment_id: file.id },
    parseAs: "blob", // by itself it makes a string of a text
  });
  assert.equal(await downloaded.data?.text(), "some text");

  const latest = { "If-Match": changed.response?.headers.get("ETag") ?? "" };
  const deleted = await deleteExample({ path, headers: latest });
  assert.equal(deleted.response?.status, 204);
  const gone = await getExample({ path });
  assert(gone.error?.code === 404);
  assert.equal(gone.error.error, "example_not_found");
}

void main();
