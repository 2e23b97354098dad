        "aiobotocore.session",
