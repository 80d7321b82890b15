-- Creates partitions ahead, and drops those whose executions are all older than `days`: docs/partitions.md. Daily:
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -v span=10000000 -v days=83 -f docs/partitions/rotate.sql
--
-- Without `days`, none is dropped.

\if :{?span}
\else
    \set span 10000000
\endif
\if :{?days}
\else
    \set days 100000
\endif
SELECT set_config('partitions.span', :'span', false), set_config('partitions.days', :'days', false);
SET statement_timeout = 0;
SET lock_timeout = '1s';

-- Three partitions ahead of the newest id.
DO $$
DECLARE
    span constant bigint := current_setting('partitions.span')::bigint;
    last_id bigint;
    bound bigint;
BEGIN
    SELECT coalesce(max(id), 0) INTO last_id FROM executions_execution;
    LOOP
        SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''?(\d+)')::bigint) INTO bound
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'executions_execution'::regclass;
        EXIT WHEN bound > last_id + 3 * span;
        EXECUTE format(
            'CREATE TABLE executions_execution_%s PARTITION OF executions_execution FOR VALUES FROM (%s) TO (%s)',
            bound, bound, bound + span
        );
        EXECUTE format('CREATE UNIQUE INDEX ON executions_execution_%s (public_id)', bound);
    END LOOP;
END $$;

-- The old ones, one transaction each.
CREATE PROCEDURE pg_temp.drop_old_partitions() LANGUAGE plpgsql AS $$
DECLARE
    old record;
    belonging record;
    newest timestamptz;
    is_running boolean;
    lower_id bigint;
    upper_id bigint;
    span constant bigint := current_setting('partitions.span')::bigint;
    last_id constant bigint := coalesce(max(id), 0) FROM executions_execution;
BEGIN
    FOR old IN
        SELECT c.oid::regclass::text AS name, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''?(\d+)')::bigint AS bound
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'executions_execution'::regclass ORDER BY 2
    LOOP
        EXECUTE format('SELECT max(created), min(id), max(id) FROM %s', old.name) INTO newest, lower_id, upper_id;
        -- New ids still go to this one, however old its rows are. One that is empty is old if ids have long passed it.
        EXIT WHEN old.bound > last_id;
        EXIT WHEN coalesce(
            newest > now() - current_setting('partitions.days')::int * interval '1 day', old.bound > last_id - span
        );
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE status = ''running'')', old.name) INTO is_running;
        EXIT WHEN is_running;
        -- What belongs to an execution names it so: flags and the like.
        FOR belonging IN
            SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.columns
            JOIN information_schema.tables USING (table_schema, table_name)
            WHERE column_name = 'execution_id' AND table_schema = current_schema() AND table_type = 'BASE TABLE'
        LOOP
            EXECUTE format('DELETE FROM %s WHERE execution_id BETWEEN %L AND %L', belonging.name, lower_id, upper_id);
        END LOOP;
        UPDATE executions_execution SET repeats_id = NULL WHERE repeats_id BETWEEN lower_id AND upper_id;
        COMMIT;
        EXECUTE format('ALTER TABLE executions_execution DETACH PARTITION %s', old.name);
        EXECUTE format('DROP TABLE %s', old.name);
        COMMIT;
        RAISE NOTICE 'dropped %: ids % to %, the last of %', old.name, lower_id, upper_id, newest;
    END LOOP;
END $$;
CALL pg_temp.drop_old_partitions();
