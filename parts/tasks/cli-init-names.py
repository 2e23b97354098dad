        "NATS_STREAM": nats_stream,
