from tests.streams import delete_streams

    if "NATS_URL" in yours():
        await delete_streams(settings)
