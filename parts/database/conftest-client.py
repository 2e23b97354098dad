from sqlalchemy.ext.asyncio import AsyncConnection

    transaction: AsyncConnection,
