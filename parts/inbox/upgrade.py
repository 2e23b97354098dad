{% import "parts/" ~ database ~ "/types.jinja" as types %}
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column(
            "handled_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("event_id", "handler", name=op.f("pk_inbox")),
    )
    op.create_index(
        op.f("ix_inbox_handled_at"),
        "inbox",
        ["handled_at"],
{% if types.time_index %}
        {{ types.time_index }}
{% endif %}
    )
