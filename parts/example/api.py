from app.features.example.routers import router as example_router

api_router.include_router({{ "writes_signed_in(example_router)" if has_auth else "example_router" }})
