        "S3_BUCKET": bucket,
