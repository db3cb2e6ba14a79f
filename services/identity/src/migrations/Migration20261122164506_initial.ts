import { Migration } from '@mikro-orm/migrations';

export class Migration20261122164506_initial extends Migration {
  override up(): void {
    this.addSql(
      `create table "identity"."revocations" ("sequence" bigserial primary key, "user_id" uuid not null, "session_id" uuid null, "not_after" timestamptz(6) not null, "expires_at" timestamptz(6) not null);`,
    );
    this.addSql(`create index "revocations_expires" on "identity"."revocations" ("expires_at");`);
    this.addSql(
      `create table "identity"."users" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "name" varchar(255) not null, "email" varchar(254) not null, "avatar_url" varchar(500) null, "role" text not null, "password_hash" varchar(255) not null, "disabled_at" timestamptz(6) null, primary key ("id"));`,
    );
    this.addSql(`create unique index "users_email" on "identity"."users" (lower("email"));`);
    this.addSql(`create index "users_created" on "identity"."users" ("created_at", "id");`);
    this.addSql(
      `create table "identity"."sessions" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "user_id" uuid not null, "generation" int not null default 1, "device" varchar(200) not null default '', "address" varchar(45) not null default '', "last_used_at" timestamptz(6) not null, "expires_at" timestamptz(6) not null, "revoked_at" timestamptz(6) null, primary key ("id"));`,
    );
    this.addSql(`create index "sessions_user" on "identity"."sessions" ("user_id", "last_used_at");`);
    this.addSql(
      `create table "identity"."user_settings" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "user_id" uuid not null, "theme" text not null default 'LIGHT', "language" varchar(64) not null default 'en', "notifications" boolean not null default true, "auto_save" boolean not null default true, "default_database_id" uuid null, "preferences" jsonb not null default '{}', primary key ("id"));`,
    );
    this.addSql(
      `alter table "identity"."user_settings" add constraint "user_settings_user_id_unique" unique ("user_id");`,
    );
    this.addSql(
      `alter table "identity"."users" add constraint "users_role_check" check ("role" in ('ADMIN', 'USER', 'VIEWER'));`,
    );
    this.addSql(
      `alter table "identity"."sessions" add constraint "sessions_user_id_foreign" foreign key ("user_id") references "identity"."users" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "identity"."user_settings" add constraint "user_settings_user_id_foreign" foreign key ("user_id") references "identity"."users" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "identity"."user_settings" add constraint "user_settings_theme_check" check ("theme" in ('LIGHT', 'DARK', 'SYSTEM'));`,
    );
  }
}
