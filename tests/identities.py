"""Services whose names and texts are awkward, for each license and each lowest Python."""

from pathlib import Path

from extensions.commands.catalogue import Answer, Answers, questions
from extensions.proof.covering import covering_array

TEXTS: dict[str, tuple[Answer, ...]] = {
    "project_name": (
        "My Service",
        "x",
        "W" * 60,
        "\u5929\u6c14\u670d\u52a1" * 15,
        "\u041f\u043e\u0433\u043e\u0434\u0430",
        "\u0635\u0628\u0627\u062d \u0627\u0644\u062e\u064a\u0631",  # from right to left
        "It's \\ \"both\" ' {{ 7 * 7 }} ${HOME} #1 \U0001f389",
        '"' * 60,
        "a: - [b], {c} & *d ! | > % @ `e`",
        "null",
        "con",
    ),
    "project_slug": ("a" + "-b" * 19 + "1", "abc"),
    "project_description": (
        "A FastAPI service.",
        "",
        "- # : \" \\ ' {{ 7 * 7 }} | `x` ${HOME} \U0001f389",
        "\u6587" * 300,
    ),
    "author_name": ("", 'O\'Neil "Al" \\ N\u00fa\u00f1ez', "\u5f20\u4e09" * 50),
    "author_email": ("", "a.person+tag@mail.example.com"),
}


def awkward_identities(template: Path) -> list[Answers]:
    """Return full answers in which any two stand together, of texts and of what is not structural.

    The short name is made of the name in every second service.
    """
    factors = TEXTS | {
        question.name: question.choices
        for question in questions(template)
        if question.choices and not question.is_part
    }
    rows: list[Answers] = [dict(row) for row in covering_array(factors, 2)]
    for row in rows[::2]:
        del row["project_slug"]
    return rows
