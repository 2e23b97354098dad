// Uses the types of openapi-typescript, with the client openapi-fetch: node … URL TOKEN
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/schema";

const [baseUrl = "", token = ""] = process.argv.slice(2);
const examples = "/api/v1/examples";
const one = "/api/v1/examples/{example_id}";
const attachments = "/api/v1/examples/{example_id}/attachments";
const attachment = "/api/v1/examples/{example_id}/attachments/{attachment_id}";

async function main(): Promise<void> {
  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
  const body: components["schemas"]["ExampleCreate"] = { name: "By fetch", status: "active" };
  const created = await client.POST(examples, { body });
  assert(created.data, JSON.stringify(created.error));
  const example: components["schemas"]["ExampleResponse"] = created.data.data;
  const path = { example_id: example.id };

  const taken = await client.POST(examples, { body });
  assert(taken.error?.code === 409);
  const reason: "example_name_taken" = taken.error.error;
  assert.equal(reason, "example_name_taken");

  const read = await client.GET(one, { params: { path } });
  const etag = read.response.headers.get("ETag") ?? "";
  assert.equal(read.data?.data.name, "By fetch");
  const changed = await client.PATCH(one, {
    params: { path, header: { "If-Match": etag } },
    body: { quantity: 3 },
  });
  assert.equal(changed.data?.data.quantity, 3);
  const stale = await client.DELETE(one, { params: { path, header: { "If-Match": etag } } });
  assert(stale.error?.code === 412);
  assert.equal(stale.error.error, "example_changed");
  const invalid = await client.PATCH(one, { params: { path }, body: {} });
  assert(invalid.error?.code === 422 && invalid.error.error === "validation_error");
  assert.equal(invalid.error.data.errors[0]?.location, "body");

  const query = { status: "active", q: "by FETCH", sort: "-name", with_total: true } as const;
  const listed = await client.GET(examples, { params: { query } });
  assert.deepEqual(listed.data?.data.items.map((each) => each.id), [example.id]);
  assert.equal(listed.data.data.total, 1);

  const uploaded = await client.POST(attachments, {
    params: { path },
    body: { file: "some text" },
    bodySerializer: ({ file }) => {
      const form = new FormData();
      form.append("file", new Blob([file], { type: "text/plain" }), "notes.txt");
      return form;
    },
  });
  assert(uploaded.data, JSON.stringify(uploaded.error));
  const file: components["schemas"]["StoredFile"] = uploaded.data.data;
  assert.equal(file.name, "notes.txt");
  const downloaded = await client.GET(attachment, {
    params: { path: { ...path, attachment_id: file.id } },
    parseAs: "blob",
  });
  assert(downloaded.data instanceof Blob);
  assert.equal(await downloaded.data.text(), "some text");

  const header = { "If-Match": changed.response.headers.get("ETag") ?? "" };
  const deleted = await client.DELETE(one, { params: { path, header } });
  assert.equal(deleted.response.status, 204);
  const gone = await client.GET(one, { params: { path } });
  assert(gone.error?.code === 404);
  assert.equal(gone.error.error, "example_not_found");
}

void main();
