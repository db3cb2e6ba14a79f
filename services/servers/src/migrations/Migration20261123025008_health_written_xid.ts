import { Migration } from '@mikro-orm/migrations';

export class Migration20261123025008_health_written_xid extends Migration {
  override up(): void {
    this.addSql(`drop index "servers"."server_health_written";`);
    this.addSql(`alter table "servers"."server_health" drop column "written_at";`);
    this.addSql(`alter table "servers"."server_health" add "written_xid" bigint not null default 0;`);
    this.addSql(`alter table "servers"."server_health" alter column "written_xid" drop default;`);
    this.addSql(`create index "server_health_written" on "servers"."server_health" ("written_xid");`);
  }
}
