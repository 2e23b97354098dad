from tests.database import database, session, transaction

    "database",
    "session",
    "transaction",
