"""Makes the calendars of schemas/exchanges/calendars.json that come from the package exchange_calendars; those by hand stay as they are.

pip install exchange_calendars==4.13.2, then: python scripts/calendars.py

Each has one open and one close a day but for those days that close early, which is checked here: what doesn't fit ends it.
"""

import json
import pathlib

import exchange_calendars

MADE = ["XLON", "XETR", "XTKS", "CMES", "24/7"]
FROM, TO = 2003, 2028
FILE = pathlib.Path(__file__).parent.parent / "schemas" / "exchanges" / "calendars.json"
MINUTE = 60


def facts(name: str) -> dict:
    calendar = exchange_calendars.get_calendar(name, start=f"{FROM}-01-01", end=f"{TO}-12-31")
    days = [day_of(calendar.tz, date, row) for date, row in calendar.schedule.iterrows()]
    spans, early = spans_and_early(name, days)
    weekdays = sorted({(date.weekday() + 1) % 7 for date, *_ in days})
    open_dates = {date for date, *_ in days}
    first, last = days[0][0].replace(month=1, day=1), days[-1][0].replace(month=12, day=31)
    closed = [d for d in dates(first, last) if (d.weekday() + 1) % 7 in weekdays and d not in open_dates]
    *older, (_, hours, pause) = spans
    made = {
        "names": [name],
        "source": f"exchange_calendars {exchange_calendars.__version__} (Apache-2.0), by scripts/calendars.py.",
        "zone": str(calendar.tz),
        "years": [FROM, TO],
        "hours": {"regular": list(hours)},
        "earlyClose": {"regular": early[0][1]} if early else {},
        "early": [str(date) for date, _ in early],
        "closed": [str(date) for date in closed],
    }
    if weekdays != [1, 2, 3, 4, 5]:
        made["weekdays"] = weekdays
    if pause:
        made["pause"] = list(pause)
    if older:
        made["before"] = [{"date": str(until), "regular": list(was)} for until, was in changes(spans)]
        assert all(span[2] == pause for span in spans), f"{name}: its pause has changed"
    return made


def day_of(zone, date, row):
    def minute(column):
        moment = row[column]
        if moment != moment:
            return None
        return int((moment.tz_convert(zone).tz_localize(None) - date).total_seconds()) // MINUTE

    pause = None if minute("break_start") is None else (minute("break_start"), minute("break_end"))
    return date.date(), (minute("open"), minute("close")), pause


def spans_and_early(name, days):
    """The hours with the date from which they hold, and the days that close sooner, all at one time."""
    spans, early = [], []
    for at, (date, hours, pause) in enumerate(days):
        if spans and hours == spans[-1][1]:
            continue
        later = days[at : at + 20]
        holds_on = len(later) == 20 and all(other[1] == hours for other in later)
        if not spans or holds_on:
            spans.append((date, hours, pause))
        else:
            assert hours[0] == spans[-1][1][0] and hours[1] < spans[-1][1][1], f"{name} {date}: {hours}"
            early.append((date, hours[1]))
    assert len({close for _, close in early}) <= 1, f"{name}: several early closes"
    return spans, early


def changes(spans):
    return [(later[0], sooner[1]) for sooner, later in zip(spans, spans[1:])]


def dates(first, last):
    step = type(last - first)(days=1)
    while first <= last:
        yield first
        first += step


def main() -> None:
    file = json.loads(FILE.read_text())
    kept = [one for one in file["calendars"] if not set(one["names"]) & set(MADE)]
    file["calendars"] = kept + [facts(name) for name in MADE]
    FILE.write_text(json.dumps(file, indent=2, ensure_ascii=False) + "\n")


main()
