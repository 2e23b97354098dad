from app.features.example.activity import router as example_activity_router

api_router.include_router(example_activity_router)
