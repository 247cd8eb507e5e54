"""Pseudonyms: user ids leave the delivered files only as a keyed hash; destroying the key makes them unlinkable."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, StructField, StructType

from lake.errors import KeyMismatch, KeyUnusable
from lake.fingerprint import fingerprint
from lake.rows import frame_of
from lake.store import is_local, write_file

KEY_BYTES = 32
BLOCK_BYTES = 64  # of SHA-256; RFC 2104 hashes longer keys first, so they are not accepted here
HEX_KEY = rf"([0-9A-Fa-f]{{2}}){{{KEY_BYTES},{BLOCK_BYTES}}}"
WANTED = f"expected one line of {2 * KEY_BYTES} to {2 * BLOCK_BYTES} hex digits"
SPACE = " \t\r\n"
SIMULATED_KEY = hashlib.sha256(b"playfirst: simulated logs are of nobody").hexdigest()


def ensure_key(key_file: Path, lake_root: Path, *, is_simulated: bool = False) -> bool:
    """Create the key file on a first night (mode 0600), and check that the key belongs to the lake.

    The sketches of listeners depend on the pseudonyms. So that the same simulated logs give the same tables on every machine,
    simulated logs use a fixed, published key, which is refused for the logs of real people.

    Args:
        key_file: File of the key, one line of hex digits.
        lake_root: Folder of the lake, where `pseudonym_key.json` keeps a check value of the key.
        is_simulated: Whether the logs are simulated.

    Returns:
        Whether the key was created now.

    Raises:
        KeyUnusable: The file holds no key, or the published key for logs that are not simulated.
        KeyMismatch: The lake was written with another key, or with one that is gone. New pseudonyms would separate all
            listeners from their earlier rows.
    """
    mark = lake_root / "pseudonym_key.json"
    is_created = False
    if not key_file.exists():
        # a lake whose check value was lost was written with a key all the same
        if mark.exists() or (lake_root / "search_log" / "_delta_log").is_dir():
            raise KeyMismatch(
                f"{key_file} is gone, but {lake_root} was written with it. Put it back; if it was destroyed on purpose, "
                f"move {lake_root} away and start a new lake."
            )
        if not is_local(lake_root) and not is_simulated:
            raise KeyUnusable(
                f"pseudonym key: {key_file} is not there, and a key that is made here would be lost with this machine. Make one "
                "(openssl rand -hex 32), keep it, and give it to every run as privacy.key_file=FILE."
            )
        _create(key_file, SIMULATED_KEY if is_simulated else secrets.token_hex(KEY_BYTES))
        is_created = True
    check_key(key_file, lake_root)
    if not is_simulated and read_key(key_file).lower() == SIMULATED_KEY:
        raise KeyUnusable(
            f"pseudonym key: {key_file} holds the key of simulated logs, which everybody knows. {_next_step(key_file)}"
        )
    if not mark.exists():
        write_file(mark, json.dumps({"check_value": _check_value(key_file)}).encode())
    return is_created


def check_key(key_file: Path, lake_root: Path) -> None:
    """Raise KeyUnusable if the file holds no key, KeyMismatch if the lake was written with another one."""
    mark, check_value = lake_root / "pseudonym_key.json", _check_value(key_file)
    if mark.exists() and json.loads(mark.read_text()).get("check_value") != check_value:
        raise KeyMismatch(f"{lake_root} was written with another key than {key_file}. Give privacy.key_file=FILE.")


def read_key(key_file: Path) -> str:
    """The key in hex digits.

    Raises:
        KeyUnusable: The file is not one line of 64 to 128 hex digits. The message shows nothing of its content.
    """
    try:
        text = key_file.read_bytes().decode("ascii", "replace").strip(SPACE)
    except OSError as error:
        problem = "is not there" if isinstance(error, FileNotFoundError) else f"can't be read ({error.strerror})"
        raise KeyUnusable(f"pseudonym key: {key_file} {problem}. {_next_step(key_file)}") from None
    if not re.fullmatch(HEX_KEY, text):
        raise KeyUnusable(
            f"pseudonym key: {key_file} holds {len(text)} characters that are no key, {WANTED}. {_next_step(key_file)}"
        )
    return text


def _next_step(key_file: Path) -> str:
    return (
        f"Put the right file back; if no lake was ever written with one, remove {key_file}: the next night makes a key."
    )


def _check_value(key_file: Path) -> str:
    return fingerprint({"pseudonym key": read_key(key_file)})


def _create(key_file: Path, key: str) -> None:
    """Write a new key file atomically: a half written key would make every later night fail."""
    key_file.parent.mkdir(parents=True, exist_ok=True)
    temporary = key_file.with_name(f".{key_file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(key + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        os.link(temporary, key_file)  # fails if another run created the file meanwhile
    finally:
        temporary.unlink(missing_ok=True)


def key_frame(spark: SparkSession, key_file: Path) -> DataFrame:
    """One row (ipad, opad): the key XORed with the inner and outer pads of HMAC (RFC 2104), BLOCK_BYTES bytes each.

    The row goes to the executors as data of the plan, so they need no file of it. Spark writes the rows of such a relation into no
    plan text, event log or run log; as a literal in an expression the key would stand in all three.

    Raises:
        KeyUnusable: The file holds no key.
    """
    key = bytes.fromhex(read_key(key_file)).ljust(BLOCK_BYTES, b"\0")
    pads = tuple(bytes(byte ^ pad for byte in key) for pad in (0x36, 0x5C))
    return frame_of(spark, [pads], StructType([StructField("ipad", BinaryType()), StructField("opad", BinaryType())]))


def with_pseudonym(frame: DataFrame, key: DataFrame) -> DataFrame:
    """Replace `user_id` by the hex HMAC-SHA-256 of its UTF-8 bytes, equal to that of Python's `hmac` (tested); null stays null.

    Args:
        frame: A frame with `user_id`.
        key: The frame of `key_frame`.
    """
    inner = F.unhex(F.sha2(F.concat(F.col("ipad"), F.encode("user_id", "UTF-8")), 256))
    return (
        frame.crossJoin(F.broadcast(key))
        .withColumn("user_id", F.sha2(F.concat(F.col("opad"), inner), 256))
        .drop("ipad", "opad")
    )


PERSON = r"(?i)(?<![a-z0-9_])(?:user_id|client_id)(?![a-z0-9_])"  # as a word of its own: user_id_kind names nobody
UNKNOWN_FORM = '{"masked": "the row names a person in a form that is not known, so its text is not kept"}'


def masked(raw_text: Column, user_id: Column) -> Column:
    """Raw text for quarantine: the delivered user id is replaced by the pseudonym, and e-mail addresses by the word `email`.

    Args:
        raw_text: The delivered row; whatever looks like the field `user_id` (in UBI documents `client_id`) is replaced.
        user_id: The pseudonym; where it is null, because the row could not be read, the word `masked` replaces the id.

    Returns:
        The text; UNKNOWN_FORM in place of a row that has a user id in another form, such as a line within a line, a list or an object.
    """
    # possessive quantifiers: Java matches `(a|b)*` by recursion, and some thousand letters would overflow its stack
    field = r'"(user_id|client_id)"\s*:\s*("[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^,}\s]+)'
    person = F.coalesce(user_id, F.lit("masked"))
    text = F.regexp_replace(_without_mail(raw_text), F.lit(field), F.concat(F.lit('"$1":"'), person, F.lit('"')))
    rest = text
    for name in ("user_id", "client_id"):
        rest = F.replace(rest, F.concat(F.lit(f'"{name}":"'), person, F.lit('"')), F.lit(""))
    is_nested = raw_text.rlike(r'"(?:user_id|client_id)"\s*:\s*[\[{]')
    return F.when(is_nested | rest.rlike(PERSON), F.lit(UNKNOWN_FORM)).otherwise(text)


# a local part, @, a domain with a dot (possessive for the same reason as in `masked`)
MAIL = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})++"
# 13 to 19 digits, the first twelve in groups of four, as on a payment card
CARD = r"(?<![\d])\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}(?!\d)"
# 9 to 15 digits with the usual separators between them; digits that begin with a year of four digits are no phone number
PHONE = r"(?<![\d])(?!(?:19|20)\d\d(?!\d))\+?\d(?:[ ().-]{0,2}\d){8,14}(?!\d)"


def without_contacts(column: str) -> Column:
    """The request in `column` with e-mail addresses, card and phone numbers replaced by the words `email`, `card` and `phone`.

    They ask for no music, and the normal form of the request would carry them into every table.
    """
    text = _without_mail(F.col(column))
    # nearly every request has no digit and is spared both searches
    numbers = F.regexp_replace(F.regexp_replace(text, CARD, " card "), PHONE, " phone ")
    return F.when(text.rlike(r"\d"), numbers).otherwise(text)


def _without_mail(text: Column) -> Column:
    return F.when(F.contains(text, F.lit("@")), F.regexp_replace(text, MAIL, " email ")).otherwise(text)
