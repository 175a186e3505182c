"""Row-level security of the kept answers, and who may do what with them."""

from django.db import migrations

from tieback.brands.rls import grant, isolate

REPLACED = "update (fingerprint, status, content_type, answer, created_at, expires_at)"


class Migration(migrations.Migration):
    """Isolate and grant: the web plane keeps answers, the worker deletes expired ones unread."""

    dependencies = [("api", "0001_initial"), ("brands", "0002_row_security")]

    operations = [
        isolate("api_keptanswer", open_to=("tieback_worker",)),
        grant("tieback_app", f"select, insert, {REPLACED}", "api_keptanswer"),
        # PostgreSQL asks for UPDATE on some column before it lets a row be locked.
        grant(
            "tieback_worker",
            "select (id, expires_at), update (expires_at), delete",
            "api_keptanswer",
        ),
        grant(
            "tieback_ops",
            "select (id, brand_id, principal, operation, status, created_at, expires_at)",
            "api_keptanswer",
        ),
    ]
