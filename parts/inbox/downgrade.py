    op.drop_table("inbox")
