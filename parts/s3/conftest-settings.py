            "S3_BUCKET": run,
