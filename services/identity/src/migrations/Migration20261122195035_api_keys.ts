import { Migration } from '@mikro-orm/migrations';

export class Migration20261122195035_api_keys extends Migration {
  override up(): void {
    this.addSql(`create table "identity"."usage_batches" ("id" uuid not null, "created_at" timestamptz(6) not null, primary key ("id"));`);
    this.addSql(`create index "usage_batches_created" on "identity"."usage_batches" ("created_at");`);
    this.addSql(`create table "identity"."api_keys" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "user_id" uuid not null, "name" varchar(255) not null, "description" varchar(1000) not null default '', "secret_hash" bytea not null, "previous_hash" bytea null, "previous_until" timestamptz(6) null, "permissions" text[] not null, "resources" text[] not null, "cidrs" text[] not null, "rate_limit" int not null default 0, "expires_at" timestamptz(6) null, "revoked_at" timestamptz(6) null, "last_used_at" timestamptz(6) null, "last_used_address" varchar(45) not null default '', primary key ("id"));`);
    this.addSql(`create index "api_keys_user" on "identity"."api_keys" ("user_id", "created_at", "id");`);
    this.addSql(
      `create unique index "api_keys_name" on "identity"."api_keys" ("user_id", "name") where "revoked_at" is null;`,
    );
    this.addSql(`create table "identity"."api_key_usage" ("key_id" uuid not null, "day" date not null, "method" varchar(200) not null, "outcome" varchar(32) not null, "calls" bigint not null, primary key ("key_id", "day", "method", "outcome"));`);
    this.addSql(`alter table "identity"."api_keys" add constraint "api_keys_user_id_foreign" foreign key ("user_id") references "identity"."users" ("id") on delete cascade;`);
    this.addSql(`alter table "identity"."api_key_usage" add constraint "api_key_usage_key_id_foreign" foreign key ("key_id") references "identity"."api_keys" ("id") on delete cascade;`);
  }
}
