    op.create_table(
        "example_activity",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("example_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_example_activity")),
    )
    op.create_index(
        op.f("ix_example_activity_example_id"),
        "example_activity",
        ["example_id", "id"],
    )
