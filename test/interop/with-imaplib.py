"""Python's imaplib through everything it can ask of a server; the test reads what it prints."""

import imaplib
import ssl
import sys

host, port, ca, user, password = sys.argv[1:6]


def ok(step, answer):
    status, data = answer
    if status not in ("OK", "BYE"):
        raise SystemExit(f"{step}: {status} {data}")
    print(f"ok {step}")
    return data


def letter(number):
    head = f"From: a{number}@sender.test\r\nTo: me@example.test\r\nSubject: letter {number}\r\n"
    return (head + f"Message-ID: <{number}@sender.test>\r\n\r\nbody {number}\r\n").encode()


context = ssl.create_default_context(cafile=ca)
client = imaplib.IMAP4_SSL(host, int(port), ssl_context=context)
print(client.PROTOCOL_VERSION)
ok("authenticate", client.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{password}".encode()))
ok("namespace", client.namespace())
ok("create", client.create("Python"))
ok("create below", client.create("Python/Library"))
ok("subscribe", client.subscribe("Python"))
assert any(b"Python" in line for line in ok("lsub", client.lsub()))
assert len([line for line in ok("list", client.list()) if b"Python" in line]) == 2
for number in range(5):
    ok("append", client.append("Python", r"(\Flagged)" if number == 2 else None, None, letter(number)))
assert b"MESSAGES 5" in ok("status", client.status("Python", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"))[0]
assert ok("select", client.select("Python"))[0] == b"5"
assert ok("search", client.search(None, "FLAGGED"))[0] == b"3"
assert ok("search text", client.search("UTF-8", "TEXT", '"body 4"'))[0] == b"5"
assert ok("sort", client.sort("(REVERSE SUBJECT)", "UTF-8", "ALL"))[0] == b"5 4 3 2 1"
assert b"(1)" in ok("thread", client.thread("REFERENCES", "UTF-8", "ALL"))[0]
data = ok("fetch", client.fetch("1:2", "(UID FLAGS BODY.PEEK[])"))
assert data[0][1] == letter(0), data[0][1]
ok("partial", client.fetch("1", "(BODY.PEEK[TEXT]<0.4>)"))
ok("store", client.store("1", "+FLAGS", r"(\Seen keyword)"))
assert ok("copy", client.copy("1:2", "Python/Library")) is not None
ok("uid move", client.uid("MOVE", "3", "Python/Library"))
ok("store deleted", client.store("1", "+FLAGS", r"(\Deleted)"))
assert ok("expunge", client.expunge())[-1] == b"1"
ok("quota root", client.getquotaroot("INBOX"))
ok("noop", client.noop())
ok("check", client.check())
ok("unselect", client.unselect())
ok("rename", client.rename("Python/Library", "Python/Shelf"))
assert b"MESSAGES 3" in ok("status", client.status("Python/Shelf", "(MESSAGES)"))[0]
assert client.select("Nowhere")[0] == "NO"
ok("delete", client.delete("Python/Shelf"))
ok("logout", client.logout())
print("done")
