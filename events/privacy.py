"""Pseudonyms: user ids leave the delivered files only as a keyed hash; destroying the key makes them unlinkable."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from lake.errors import KeyMismatch
from lake.fingerprint import fingerprint

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

KEY_BYTES = 32
BLOCK_BYTES = 64  # of SHA-256


def ensure_key(key_file: Path, lake_root: Path) -> bool:
    """Make the key on a first night (mode 0600); True if it was made now.

    Raises KeyMismatch if the lake was written with another key (or its key is gone): new pseudonyms would make
    every listener a stranger to his own past.
    """
    mark = lake_root / "pseudonym_key.json"
    made = False
    if not key_file.exists():
        if mark.exists():
            raise KeyMismatch(
                f"{key_file} is gone, but {lake_root} was written with it. Put it back; if it was destroyed on purpose, "
                f"move {lake_root} away and start a new lake."
            )
        key_file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_hex(KEY_BYTES) + "\n")
        made = True
    check_value = fingerprint({"pseudonym key": key_file.read_text().strip()})
    if mark.exists():
        if json.loads(mark.read_text())["check_value"] != check_value:
            raise KeyMismatch(f"{lake_root} was written with another key than {key_file}. Give privacy.key_file=FILE.")
    else:
        lake_root.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps({"check_value": check_value}))
    return made


def key_frame(spark: SparkSession, key_file: Path) -> DataFrame:
    """One row: the inner and outer pads of HMAC (RFC 2104), computed inside Spark from the key file.

    The key is read by Spark itself, so no plan, event log or run log holds it as a literal.
    """
    from pyspark.sql import functions as F

    key = F.rpad(F.trim("value"), BLOCK_BYTES * 2, "0")
    return spark.read.text(str(key_file)).select(_xor(key, 0x36).alias("ipad"), _xor(key, 0x5C).alias("opad"))


def _xor(key_hex: Column, byte: int) -> Column:
    from pyspark.sql import functions as F

    def one(i: Column) -> Column:
        value = F.conv(F.substring(key_hex, i * 2 + 1, F.lit(2)), 16, 10).cast("int")
        return F.lpad(F.hex(value.bitwiseXOR(F.lit(byte))), 2, "0")

    return F.unhex(F.array_join(F.transform(F.sequence(F.lit(0), F.lit(BLOCK_BYTES - 1)), one), ""))


def with_pseudonym(frame: DataFrame, key: DataFrame) -> DataFrame:
    """Replace `user_id` by the hex HMAC-SHA-256 of its UTF-8 bytes; equal to Python's `hmac` (tested). Null stays."""
    from pyspark.sql import functions as F

    inner = F.unhex(F.sha2(F.concat(F.col("ipad"), F.encode("user_id", "UTF-8")), 256))
    return (
        frame.crossJoin(F.broadcast(key))
        .withColumn("user_id", F.sha2(F.concat(F.col("opad"), inner), 256))
        .drop("ipad", "opad")
    )


def masked(raw_text: Column, user_id: Column) -> Column:
    """Raw text for quarantine: the parsed pseudonym in place of the delivered user id; masked where none parsed.

    `user_id` is the pseudonym, or null where the row could not be read; then whatever looks like the field is cut.
    UBI documents name the person `client_id`. Contacts in the text are masked too.
    """
    from pyspark.sql import functions as F

    # possessive, since Java's matcher calls itself for every turn of `(a|b)*`: some thousand letters would end its stack
    field = r'"(user_id|client_id)"\s*:\s*("[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^,}\s]+)'
    stand_in = F.concat(F.lit('"$1":"'), F.coalesce(user_id, F.lit("masked")), F.lit('"'))
    return F.regexp_replace(_without_mail(raw_text), F.lit(field), stand_in)


# a local part, @, a domain with a dot (possessive, as above)
MAIL = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})++"
# 13 to 19 digits in groups of four or so, as on a card
CARD = r"(?<![\d])\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}(?!\d)"
# 9 to 15 digits with the signs that people put between them; what begins with a year of four digits is no number
PHONE = r"(?<![\d])(?!(?:19|20)\d\d(?!\d))\+?\d(?:[ ().-]{0,2}\d){8,14}(?!\d)"


def without_contacts(column: str) -> Column:
    """A request with e-mail addresses, card numbers and phone numbers replaced by the words `email`, `card`, `phone`.

    They are no request for music, and a normal form would carry them into every table.
    """
    from pyspark.sql import functions as F

    text = _without_mail(F.col(column))
    # a request without a digit, nearly every one, is spared both searches
    numbers = F.regexp_replace(F.regexp_replace(text, CARD, " card "), PHONE, " phone ")
    return F.when(text.rlike(r"\d"), numbers).otherwise(text)


def _without_mail(text: Column) -> Column:
    from pyspark.sql import functions as F

    return F.when(F.contains(text, F.lit("@")), F.regexp_replace(text, MAIL, " email ")).otherwise(text)
