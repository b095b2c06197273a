"""Times as events have them: whole microseconds since 1970, UTC."""

import datetime
import numbers
import time

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)
DAY_US = 86_400_000_000
APRIL_1970_US = 90 * DAY_US
YEAR_10000_MS = 253_402_300_800_000
# The times that say when an event happened. Others may lie ahead, as the end of a window that has begun.
HAPPENED = ("timestamp", "window_start")


class Refused(ValueError):
    """An event that must not be published. The sentence says what is wrong with it; nothing was sent."""


def moment(value):
    """Microseconds since 1970, of an aware datetime or of themselves; of anything else it raises Refused."""
    if isinstance(value, datetime.datetime):
        if value.utcoffset() is None:
            raise Refused("has no time zone: give the datetime one, as in datetime(..., tzinfo=timezone.utc)")
        us = (value - EPOCH) // MICROSECOND
    elif isinstance(value, numbers.Integral) and not isinstance(value, bool):
        us = int(value)
    else:
        raise Refused("must be whole microseconds since 1970 or a datetime with its time zone")
    if abs(us) >= 2**53:
        raise Refused("must be whole microseconds since 1970, within 2^53")
    return us


def wrong_time(names, event, early_1970, now_us):
    """Why an event may not have one of its times, which are microseconds, as a sentence; None when it may."""
    for name in names:
        us = event.get(name)
        if us is None:
            continue
        if early_1970 != "allow" and 0 <= us < APRIL_1970_US:
            return f"{name} {other_units(us)}"
        if name in HAPPENED and us > now_us + 2 * DAY_US:
            ahead = f"more than two days ahead of this machine's time {iso(now_us // 1000)}"
            return f"{name} {iso(us // 1000)} is {ahead}"
    return None


def other_units(us):
    """What a number that lies in the first quarter of 1970 would be in other units, as the end of a sentence."""
    seconds = f", as seconds {iso(us * 1000)}" if us * 1000 < YEAR_10000_MS else ""
    return (
        f"{us} would be {iso(us // 1000)}; as milliseconds it is {iso(us)}{seconds}. Times are microseconds since 1970; "
        "where the first quarter of 1970 is meant, set TRADETAPE_EARLY_1970=allow"
    )


def iso(ms):
    return (EPOCH + datetime.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_us():
    return time.time_ns() // 1000
