"""What names of actions say, and what they do not say."""

import pytest

from kynara_lang.checker.action_words import guess, words_of


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("delete", "effects irreversible"),
        ("can_delete_todo", "effects irreversible"),
        ("bulkDelete", "effects irreversible"),
        ("github_delete_repo", "effects irreversible"),
        ("crm.contacts.purge", "effects irreversible"),
        ("remove_permanently", "effects irreversible"),
        ("drop_table", "effects irreversible"),
        ("pay_invoice", "effects irreversible"),
        ("transfer", "effects irreversible"),
        ("send_email", "effects sends_out"),
        ("slack_post_message", "effects sends_out"),
        ("email_customer", "effects sends_out"),
        ("http.post", "effects sends_out"),
        ("http_request", "effects sends_out"),
        ("call_webhook", "effects sends_out"),
        ("webhook", "effects sends_out"),
        ("http.get", "effects reads_untrusted"),
        ("browse_web", "effects reads_untrusted"),
        ("read_inbox", "effects reads_untrusted"),
        ("searchWeb", "effects reads_untrusted"),
        ("exec", "effects executes_code"),
        ("run", "effects executes_code"),
        ("run_command", "effects executes_code"),
        ("shell", "effects executes_code"),
        ("spawn_agent", "effects executes_code"),
        ("assign_role_to_user", "modifies roles"),
        ("permissions.set", "modifies roles"),
        ("grant", "modifies roles"),
        ("revoke_access", "modifies roles"),
        ("groups.add_member", "modifies parents"),
        ("impersonate", "acts as resource"),
        ("edit_policy", "effects edits_policy"),
        ("policy.write", "effects edits_policy"),
        ("mint", "effects mints_credential"),
        ("issue_token", "effects mints_credential"),
        ("api_keys.create", "effects mints_credential"),
        ("disable_audit", "effects disables_audit"),
        ("stop_logging", "effects disables_audit"),
        ("approve_refund", "effects approves"),
        ("mcp/github:delete-repository", "effects irreversible"),
    ],
)
def test_a_telling_name_is_understood(name: str, effect: str) -> None:
    found = guess(name)
    assert found is not None
    assert found.effect == effect


@pytest.mark.parametrize(
    "name",
    [
        *("read", "create", "update", "share", "process", "post.read", "read_posts", "list_payments", "get_email"),
        *(
            "create_post",
            "email_update",
            "post_delete_request".replace("delete_", ""),
            "cancel_transfer",
            "undo_delete",
        ),
        *("request_refund", "transfer_request", "draft_email", "schedule_delete", "soft_delete", "restore_deleted"),
        *("undelete", "unpublish", "start_run", "run_report", "execute_trade", "fetch_order", "browse_catalog", "drop"),
        *("policy", "policy.read", "policyholder", "create_key_result", "update_role_color", "revoke_token", "disable"),
        *("grant_consent", "promote", "issue", "sent", "POST /orders", "", ".", "delegate"),
    ],
)
def test_other_names_are_left_alone(name: str) -> None:
    assert guess(name) is None


def test_the_resource_decides_where_the_verb_does_not() -> None:
    assert guess("fetch", frozenset({"web", "page"})) is not None
    assert guess("fetch", frozenset({"order"})) is None
    assert guess("run", frozenset({"report"})) is None
    assert guess("promote", on_subjects=True) is not None
    assert guess("revoke", frozenset({"session"})) is None


def test_words_of_every_spelling() -> None:
    assert words_of("can_read") == words_of("canRead") == words_of("CanRead") == words_of("can-read") == ["can", "read"]
    assert words_of("HTTPPost2") == ["http", "post"]
