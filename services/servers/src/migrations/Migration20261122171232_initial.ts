import { Migration } from '@mikro-orm/migrations';

export class Migration20261122171232_initial extends Migration {
  override up(): void {
    this.addSql(
      `create table "servers"."databases" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "owner_id" uuid not null, "state" text not null, "name" varchar(255) not null, "description" varchar(1000) not null, "dimension" int not null, "metric" text not null, "embedding_provider" varchar(64) not null, "embedding_model" varchar(255) not null, "read_policy" text not null, "write_policy" text not null, "vector_weight" double precision null, "document_count" int not null default 0, "document_count_revision" bigint not null default '0', "head_seq" bigint not null default '0', "trimmed_seq" bigint not null default '0', "last_written_at" timestamptz(6) null, primary key ("id"));`,
    );
    this.addSql(`create index "databases_owner_created" on "servers"."databases" ("owner_id", "created_at", "id");`);
    this.addSql(`create index "databases_created" on "servers"."databases" ("created_at", "id");`);
    this.addSql(`create index "databases_unready" on "servers"."databases" ("updated_at") where state <> 'READY';`);
    this.addSql(
      `create unique index "databases_owner_name" on "servers"."databases" ("owner_id", "name") where state <> 'DELETING';`,
    );
    this.addSql(
      `create table "servers"."idempotency_keys" ("caller" varchar(255) not null, "method" varchar(255) not null, "request_id" varchar(255) not null, "fingerprint" varchar(255) not null, "response" bytea null, "run_id" uuid not null, "lease_until" timestamptz(6) not null, "created_at" timestamptz(6) not null, primary key ("caller", "method", "request_id"));`,
    );
    this.addSql(`create index "idempotency_keys_created_at_index" on "servers"."idempotency_keys" ("created_at");`);
    this.addSql(
      `create table "servers"."mutations" ("database_id" uuid not null, "seq" bigint not null, "payload" bytea not null, "created_at" timestamptz(6) not null default now(), primary key ("database_id", "seq"));`,
    );
    this.addSql(
      `create table "servers"."servers" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "owner_id" uuid not null, "name" varchar(255) not null, "type" text not null, "host" varchar(255) not null, "port" int not null, "tls" text not null, "username" varchar(255) not null, "sealed_password" text null, "sealed_api_key" text null, "database" varchar(255) not null, "collection" varchar(255) not null, "config" jsonb not null default '{}', "labels" jsonb not null default '{}', "is_active" boolean not null default false, "last_connected_at" timestamptz(6) null, "revision" int not null default 1, primary key ("id"));`,
    );
    this.addSql(`create index "servers_owner_created" on "servers"."servers" ("owner_id", "created_at", "id");`);
    this.addSql(`create index "servers_created" on "servers"."servers" ("created_at", "id");`);
    this.addSql(`alter table "servers"."servers" add constraint "servers_owner_name" unique ("owner_id", "name");`);
    this.addSql(
      `create table "servers"."placements" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "database_id" uuid not null, "server_id" uuid not null, "collection" varchar(255) not null, "role" text not null, "state" text not null, "applied_seq" bigint not null default '0', "epoch" bigint not null default '0', "lease_owner" varchar(64) null, "lease_until" timestamptz(6) null, "last_error" text not null default '', primary key ("id"));`,
    );
    this.addSql(`create index "placements_database" on "servers"."placements" ("database_id");`);
    this.addSql(
      `alter table "servers"."placements" add constraint "placements_server_collection" unique ("server_id", "collection");`,
    );
    this.addSql(
      `create unique index "placements_primary" on "servers"."placements" ("database_id") where role = 'PRIMARY';`,
    );
    this.addSql(
      `create table "servers"."quarantined_records" ("placement_id" uuid not null, "record_id" varchar(512) not null, "seq" bigint not null, "reason" text not null, "payload" bytea not null, "created_at" timestamptz(6) not null, primary key ("placement_id", "record_id"));`,
    );
    this.addSql(
      `create table "servers"."server_checks" ("server_id" uuid not null, "check_id" uuid not null, "status" text not null, "since_at" timestamptz(6) not null, "checked_at" timestamptz(6) not null, "latency_ms" double precision not null, "error_category" varchar(64) not null, "server_version" varchar(255) not null, "collections_count" int null, primary key ("server_id"));`,
    );
    this.addSql(
      `alter table "servers"."databases" add constraint "databases_state_check" check ("state" in ('PROVISIONING', 'READY', 'DELETING'));`,
    );
    this.addSql(
      `alter table "servers"."databases" add constraint "databases_metric_check" check ("metric" in ('cosine', 'dot', 'euclidean'));`,
    );
    this.addSql(
      `alter table "servers"."databases" add constraint "databases_read_policy_check" check ("read_policy" in ('ANY', 'BOUNDED', 'AT_LEAST', 'PRIMARY'));`,
    );
    this.addSql(
      `alter table "servers"."databases" add constraint "databases_write_policy_check" check ("write_policy" in ('PRIMARY', 'QUORUM', 'ALL', 'LOGGED'));`,
    );
    this.addSql(
      `alter table "servers"."servers" add constraint "servers_type_check" check ("type" in ('QDRANT', 'PINECONE', 'WEAVIATE', 'CHROMA', 'NEO4J', 'PGVECTOR'));`,
    );
    this.addSql(
      `alter table "servers"."servers" add constraint "servers_tls_check" check ("tls" in ('DISABLED', 'VERIFY', 'INSECURE'));`,
    );
    this.addSql(
      `alter table "servers"."placements" add constraint "placements_database_id_foreign" foreign key ("database_id") references "servers"."databases" ("id") on delete restrict;`,
    );
    this.addSql(
      `alter table "servers"."placements" add constraint "placements_server_id_foreign" foreign key ("server_id") references "servers"."servers" ("id") on delete restrict;`,
    );
    this.addSql(
      `alter table "servers"."placements" add constraint "placements_role_check" check ("role" in ('PRIMARY', 'REPLICA'));`,
    );
    this.addSql(
      `alter table "servers"."placements" add constraint "placements_state_check" check ("state" in ('PROVISIONING', 'BACKFILLING', 'CATCHING_UP', 'IN_SYNC', 'LAGGING', 'OFFLINE', 'DRAINING'));`,
    );
    this.addSql(
      `alter table "servers"."quarantined_records" add constraint "quarantined_records_placement_id_foreign" foreign key ("placement_id") references "servers"."placements" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "servers"."server_checks" add constraint "server_checks_server_id_foreign" foreign key ("server_id") references "servers"."servers" ("id") on update cascade on delete cascade;`,
    );
    this.addSql(
      `alter table "servers"."server_checks" add constraint "server_checks_status_check" check ("status" in ('HEALTHY', 'DEGRADED', 'UNHEALTHY'));`,
    );
    // Vectors do not compress: trying to would cost a writer more than the write.
    this.addSql(`alter table "servers"."mutations" alter column "payload" set storage external;`);
    this.addSql(`alter table "servers"."quarantined_records" alter column "payload" set storage external;`);
  }
}
