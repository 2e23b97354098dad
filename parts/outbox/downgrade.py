    op.drop_table("outbox")
