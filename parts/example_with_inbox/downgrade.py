    op.drop_table("example_activity")
