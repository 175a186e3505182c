"""Row-level security of the brands app, and what each plane's role may do with the platform's tables."""

from django.db import migrations

from tieback.brands.rls import USER, grant, isolate

OWN_BRANDS = f"id in (select m.brand_id from brands_membership m where m.user_id = {USER})"
OWN_MEMBERSHIPS = f"user_id = {USER}"

# The one way to a credential without knowing its brand: by id, through this function.
FIND_CREDENTIAL = """
create function tieback_find_credential(wanted text)
returns table (brand_id uuid, secret_sha256 bytea, scopes varchar[], last_used_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public as $$
    select c.brand_id, c.secret_sha256, c.scopes, c.last_used_at
      from public.brands_apicredential c
     where c.id = wanted
       and c.revoked_at is null
       and (c.expires_at is null or c.expires_at > now())
$$
"""

SESSIONS = "django_session"
LOCKOUTS = (
    "axes_accessattempt",
    "axes_accesslog",
    "axes_accessfailurelog",
    "axes_accessattemptexpiration",
)
PERMISSIONS = (
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "brands_user_groups",
    "brands_user_user_permissions",
)
EVERYTHING = "select, insert, update, delete"


class Migration(migrations.Migration):
    """Isolate the tables, open the named doors, grant."""

    dependencies = [
        ("brands", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("sessions", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("axes", "0010_accessattemptexpiration"),
    ]

    operations = [
        isolate("brands_brand", brand="id", also=OWN_BRANDS, readable_by=("tieback_resolver",)),
        isolate("brands_membership", also=OWN_MEMBERSHIPS),
        isolate("brands_apicredential", readable_by=("tieback_owner",)),
        isolate("brands_auditentry"),
        migrations.RunSQL(
            [FIND_CREDENTIAL, "revoke all on function tieback_find_credential(text) from public"],
            "drop function tieback_find_credential(text)",
        ),
        migrations.RunSQL(
            "grant execute on function tieback_find_credential(text) to tieback_app",
            migrations.RunSQL.noop,
        ),
        # web
        grant("tieback_app", "select", "brands_brand", "brands_membership", *PERMISSIONS),
        grant("tieback_app", "select, update (password, last_login)", "brands_user"),
        grant(
            "tieback_app",
            "select, insert, update (last_used_at, revoked_at)",
            "brands_apicredential",
        ),
        grant("tieback_app", "select, insert", "brands_auditentry"),
        grant("tieback_app", EVERYTHING, SESSIONS, *LOCKOUTS),
        # worker
        grant("tieback_worker", "select", "brands_brand"),
        grant("tieback_worker", "select, insert", "brands_auditentry"),
        # resolver
        grant(
            "tieback_resolver",
            "select (id, slug, name, resolver_host, default_locale)",
            "brands_brand",
        ),
        # console
        grant(
            "tieback_ops",
            "select, insert, update",
            "brands_brand",
            "brands_membership",
            "brands_apicredential",
            "brands_user",
        ),
        grant("tieback_ops", "select, insert", "brands_auditentry", "django_admin_log"),
        grant("tieback_ops", EVERYTHING, SESSIONS, *LOCKOUTS, *PERMISSIONS),
        # readiness asks every plane whether the schema is the one its code expects
        *[
            grant(role, "select", "django_migrations")
            for role in ("tieback_app", "tieback_worker", "tieback_resolver", "tieback_ops")
        ],
    ]
