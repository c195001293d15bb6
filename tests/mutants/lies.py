"""Programs that do their work and lie about it: both kinds of endpoint, in both APIs, all talk through one function."""

from common import logs

EOFS = 506


def about(field, change):
    """Say something else in this field, wherever it is said."""

    def lie():
        tell = logs.tell

        def lying(speaker, event, fields=None, /, **values):
            told = {name: change(value) if name == field else value for name, value in (fields or {}).items()}
            tell(speaker, event, {name: value for name, value in told.items() if value is not None}, **values)

        logs.tell = lying

    return lie


def besides(at, *, before=(), after=(), drop=()):
    """Tell of more events before or after one, and of some never, but where they are told besides."""

    def lie():
        tell = logs.tell

        def lying(speaker, event, fields=None, /, **values):
            if event not in drop:
                more = (before, after) if event == at else ((), ())
                for name in more[0]:
                    tell(speaker, name)
                tell(speaker, event, fields, **values)
                for name in more[1]:
                    tell(speaker, name, reason="ConnectionResetError")

        logs.tell = lying

    return lie


LIES = {
    "lies-about-lengths": about("length", lambda length: length + 1),
    "lies-about-offsets": about("offset", lambda offset: 0),
    "lies-about-its-peer": about("peer", lambda peer: ["127.0.0.1", 1]),
    "lies-about-itself": about("local", lambda local: ["127.0.0.1", 1]),
    "lies-about-digests": about("sent_digest", lambda digest: "0" * len(digest)),
    "tells-no-totals": about("received_bytes", lambda total: None),
    "tells-eof-often": besides("closing", before=["eof"] * EOFS),
    "ends-twice": besides("closing", after=["lost"]),
    "closes-before-it-opens": besides("starting", after=["closing_server"], drop=["closing_server"]),
}
