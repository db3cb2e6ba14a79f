import { Migration } from '@mikro-orm/migrations';

export class Migration20261122201321_login_attempts extends Migration {
  override up(): void {
    this.addSql(`create table "identity"."login_attempts" ("subject" varchar(43) not null, "attempts" int not null, "until" timestamptz(6) not null, primary key ("subject"));`);
    this.addSql(`create index "login_attempts_until" on "identity"."login_attempts" ("until");`);
  }
}
