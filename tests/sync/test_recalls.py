"""Recalls: who acted on them says so, and the desk sees who has not."""

from newsapi.keys import commands as key_commands


def path(made):
    return f"/v1/articles/{made['id']}/recall-receipts"


def test_partners_acknowledge_and_the_desk_sees_who_has_not(editor, hire, clock):
    made = editor.write(status="published")
    one, other = hire("partner:read"), hire("partner:read")
    assert one.post(path(made), {}).status_code == 409
    editor.delete(f"/v1/articles/{made['id']}?reason=legal")
    before = editor.get(path(made)).json["data"]
    assert before["acknowledged"] == []
    assert {entry["key"] for entry in before["missing"]} == {one.prefix, other.prefix}
    receipt = one.send("POST", path(made))
    assert receipt.status_code == 201
    assert receipt.json["data"] == {"id": made["id"], "seq": before["seq"], "at": "2026-11-01T12:00:00Z"}
    clock.forward(hours=1)
    assert one.send("POST", path(made)).status_code == 200
    assert one.send("POST", path(made)).json == receipt.json


def test_who_has_not_is_told_by_name_and_a_rotated_key_stands_for_the_same(editor, hire, database, clock, app):
    made = editor.write(status="published")
    one = hire("partner:read")
    key_commands.create(database, "bruno", ("partner:read",), now=clock())
    gone = hire("partner:read")
    key_commands.revoke(database, gone.prefix, now=clock())
    editor.delete(f"/v1/articles/{made['id']}?reason=error")
    one.send("POST", path(made))
    data = editor.get(path(made)).json["data"]
    assert [entry["key"] for entry in data["acknowledged"]] == [one.prefix]
    assert [entry["name"] for entry in data["missing"]] == ["bruno"]
    assert data["gone"]["reason"] == "error"


def test_a_second_recall_is_another_one(editor, hire):
    made = editor.write(status="published")
    one = hire("partner:read")
    editor.delete(f"/v1/articles/{made['id']}")
    one.send("POST", path(made))
    again = editor.get(f"/v1/articles/{made['id']}").json["data"]
    again = editor.change(again, status="published")
    editor.delete(f"/v1/articles/{made['id']}")
    assert editor.get(path(made)).json["data"]["acknowledged"] == []
    assert one.send("POST", path(made)).status_code == 201


def test_what_was_never_public_is_not_there(editor, hire):
    made = editor.write()
    one = hire("partner:read")
    never = {"id": "01890a5d-ac96-774b-bcce-b302099a8057"}
    answers = [one.send("POST", path(which)) for which in (made, never)]
    assert {answer.status_code for answer in answers} == {404}
    editor.delete(f"/v1/articles/{made['id']}")
    assert one.send("POST", path(made)).status_code == 404


def test_an_acknowledgement_stands_in_the_audit(editor, hire):
    made = editor.write(status="published")
    one = hire("partner:read")
    editor.delete(f"/v1/articles/{made['id']}")
    one.send("POST", path(made))
    deeds = hire("admin").get(f"/v1/audit?by={one.prefix}").json["data"]
    assert [(deed["action"], deed["subject_id"]) for deed in deeds] == [("acknowledge", made["id"])]
