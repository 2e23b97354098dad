from app.features.example.tasks import router as example_reports_router

api_router.include_router({{ "writes_signed_in(example_reports_router)" if has_auth else "example_reports_router" }})
