from tests.database import committing_client, database, session, transaction

    "committing_client",
    "database",
    "session",
    "transaction",
