import { Migration } from '@mikro-orm/migrations';

export class Migration20261122233053_wind_back_due extends Migration {
  override up(): void {
    this.addSql(`alter table "servers"."server_health" add "is_wind_back_due" boolean not null default false;`);
    this.addSql(`create index "server_health_wind_back_due" on "servers"."server_health" ("server_id") where is_wind_back_due;`);
  }
}
