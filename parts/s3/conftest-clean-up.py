from tests.bucket import delete_bucket

    if "S3_ENDPOINT" in yours():
        await delete_bucket(settings)
