    op.drop_table("examples")
