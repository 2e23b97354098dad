    "S3_BUCKET": "unused",
    "S3_REGION": "unused",
