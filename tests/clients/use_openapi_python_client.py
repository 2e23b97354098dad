"""Uses the client of openapi-python-client: python … URL TOKEN"""

import sys
from io import BytesIO

from generated.api_client import AuthenticatedClient
from generated.api_client.api.attachments import download_attachment, upload_attachment
from generated.api_client.api.examples import (
    create_example,
    delete_example,
    get_example,
    list_examples,
    update_example,
)
from generated.api_client.models import (
    BodyUploadAttachment,
    Envelope201ExampleResponse,
    Envelope201StoredFile,
    EnvelopeExampleResponse,
    EnvelopePageExampleResponse,
    ExampleChanged,
    ExampleCreate,
    ExampleNameTaken,
    ExampleNotFound,
    ExampleStatus,
    ExampleUpdate,
    ListExamplesSort,
    ValidationFailure,
)
from generated.api_client.types import File


def main(base_url: str, token: str) -> None:
    client = AuthenticatedClient(base_url, token, raise_on_unexpected_status=True)
    body = ExampleCreate(name="By Python", status=ExampleStatus.ACTIVE)
    created = create_example.sync(client=client, body=body)
    assert isinstance(created, Envelope201ExampleResponse), created
    example = created.data

    taken = create_example.sync(client=client, body=body)
    assert isinstance(taken, ExampleNameTaken), taken
    assert taken.error == "example_name_taken"

    read = get_example.sync_detailed(example.id, client=client)
    etag = read.headers["ETag"]
    assert isinstance(read.parsed, EnvelopeExampleResponse), read
    assert read.parsed.data.name == "By Python"
    change = ExampleUpdate(quantity=3)
    changed = update_example.sync_detailed(example.id, client=client, body=change, if_match=etag)
    assert isinstance(changed.parsed, EnvelopeExampleResponse), changed
    assert changed.parsed.data.quantity == 3
    stale = delete_example.sync(example.id, client=client, if_match=etag)
    assert isinstance(stale, ExampleChanged), stale
    invalid = update_example.sync(example.id, client=client, body=ExampleUpdate())
    assert isinstance(invalid, ValidationFailure), invalid
    assert invalid.data.errors[0].location == "body"

    listed = list_examples.sync(
        client=client,
        status=ExampleStatus.ACTIVE,
        q="by PYTHON",
        sort=ListExamplesSort.NAME_DESC,
        with_total=True,
    )
    assert isinstance(listed, EnvelopePageExampleResponse), listed
    assert [each.id for each in listed.data.items] == [example.id]
    assert listed.data.total == 1

    content = File(BytesIO(b"some text"), "notes.txt", "text/plain")
    form = BodyUploadAttachment(file=content)
    uploaded = upload_attachment.sync(example.id, client=client, body=form)
    assert isinstance(uploaded, Envelope201StoredFile), uploaded
    assert uploaded.data.name == "notes.txt"
    downloaded = download_attachment.sync(example.id, uploaded.data.id, client=client)
    assert isinstance(downloaded, File), downloaded
    assert downloaded.payload.read() == b"some text"

    latest = changed.headers["ETag"]
    deleted = delete_example.sync_detailed(example.id, client=client, if_match=latest)
    assert deleted.status_code == 204
    gone = get_example.sync(example.id, client=client)
    assert isinstance(gone, ExampleNotFound), gone


main(*sys.argv[1:])
