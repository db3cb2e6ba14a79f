import { Migration } from '@mikro-orm/migrations';

export class Migration20261122233053_wind_back_due extends Migration {
  override up(): void {
    this.addSql(`alter table "servers"."server_health" add "stopped_at" timestamptz(6) null;`);
    this.addSql(`create index "server_health_stopped" on "servers"."server_health" ("server_id") where stopped_at is not null;`);
  }
}
