from app.features.example.attachments import router as example_attachments_router

api_router.include_router({{ "writes_signed_in(example_attachments_router)" if has_auth else "example_attachments_router" }})
