    op.drop_table("example_reports")
