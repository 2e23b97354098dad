"""Which keys and names are let into the storage."""

import pytest

from app.common.stored_objects import InvalidObjectKey, full_key, safe_file_name


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../secret",
        "a/../../b",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "a\\..\\b",
        "C:\\a",
        "a\x00b",
        "a\nb",
        "a\x7fb",
        "a\ud800b",
        "a" * 1025,
        "文" * 342,
    ],
)
def test_a_key_that_could_mean_something_else_is_refused(key: str) -> None:
    with pytest.raises(InvalidObjectKey):
        full_key("service/dev/", key)


def test_a_key_stands_below_the_prefix() -> None:
    assert full_key("service/dev/", "a/..b/c d+é文.txt") == "service/dev/a/..b/c d+é文.txt"
    assert full_key("", "a") == "a"


@pytest.mark.parametrize(
    ("sent", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("报告 é.pdf", "报告 é.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie_ x.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("..", "file"),
        ("", "file"),
        (".hidden", "hidden"),
        ('a<b>"c".txt', "a_b__c_.txt"),
        ("e\u0301.txt", "é.txt"),
    ],
)
def test_a_sent_file_name_becomes_a_safe_one(sent: str, safe: str) -> None:
    assert safe_file_name(sent) == safe


def test_a_long_file_name_is_cut_before_its_suffix() -> None:
    name = safe_file_name("文" * 300 + ".pdf")
    assert name.endswith("文.pdf")
    assert 195 < len(name.encode()) <= 200
