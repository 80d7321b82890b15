from typing import Any

from django.db import migrations

# docs/decisions/0007-audit-log.md gives the reasons.
CREATE = {
    "sqlite": (
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON auditlog_logentry"
        " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON auditlog_logentry"
        " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        # INSERT OR REPLACE deletes a row without calling the triggers for it.
        "CREATE TRIGGER audit_no_replace BEFORE INSERT ON auditlog_logentry"
        " WHEN EXISTS (SELECT 1 FROM auditlog_logentry WHERE id = NEW.id)"
        " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON auditlog_logentry"
        " FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON auditlog_logentry"
        " FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON auditlog_logentry EXECUTE FUNCTION audit_refuse()",
    ),
}
DROP = {
    "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", "DROP TRIGGER audit_no_replace"),
    "postgresql": ("DROP FUNCTION audit_refuse() CASCADE",),
}


def create_triggers(apps: Any, schema_editor: Any) -> None:
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement, None)


def drop_triggers(apps: Any, schema_editor: Any) -> None:
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement, None)


class Migration(migrations.Migration):
    initial = True

    dependencies = [("auditlog", "0017_add_actor_email")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]
