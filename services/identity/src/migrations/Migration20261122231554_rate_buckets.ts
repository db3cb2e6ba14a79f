import { Migration } from '@mikro-orm/migrations';

export class Migration20261122231554_rate_buckets extends Migration {
  override up(): void {
    this.addSql(`create unlogged table "identity"."rate_buckets" ("bucket" varchar(43) not null, "tokens" double precision not null, "updated_at" timestamptz(6) not null, primary key ("bucket"));`);
  }
}
