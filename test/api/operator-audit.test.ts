/**
 * Whatever operators change is sealed in the journal with who did it and why, in the transaction that does it: every route
 * of theirs that is not a GET is walked, and one that changes something on the quiet fails.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_ROUTES } from '../../api/contract/all-routes.ts';
import type { Route } from '../../api/contract/route.ts';
import type { ApiUnderTest } from '../support/api.ts';
import { CONTRACT_CASES as CASES } from '../support/contract/all-cases.ts';
import type { Prepared } from '../support/contract/route-case.ts';
import { openStage, type Stage } from '../support/contract/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.stop());

const CHANGING = ALL_ROUTES.filter(({ caller, method }) => caller === 'operator' && method !== 'GET');

it('the routes by which operators change something are found', () => {
  expect(CHANGING.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['createAdjustment', 'createRateCard']),
  );
});

describe.each(CHANGING.map(route => [`${route.method} ${route.path}`, route] as const))(
  '%s, as operators change things by it,',
  (_, route) => {
    const succeeding = async () => {
      const { succeeds } = CASES[route.name] ?? {};
      if (!succeeds) throw new Error(`there is no case for ${route.name}`);
      return await succeeds(stage);
    };

    it('seals who did it in the journal', async () => {
      const prepared = await succeeding();
      const before = await sealedActions(stage.api);
      expect((await ask(route, prepared)).status).toBe(route.status);
      const [action, ...more] = (await sealedActions(stage.api)).slice(before.length);
      expect(more).toEqual([]);
      expect(action).toMatchObject({ operator: 'ops', reason: expect.stringMatching(/./) });
    });

    it('does nothing at all where that cannot be sealed', async () => {
      const prepared = await succeeding();
      const before = await everyRow(stage.api);
      await stage.api.query(`
        create function credits.refuse_here() returns trigger language plpgsql as $$ begin raise 'not now'; end $$;
        create trigger refuse_here before insert on credits.entries for each row
          when (new.details like '{"operator":%') execute function credits.refuse_here()`);
      try {
        expect((await ask(route, prepared)).body.code).toBe('internal_error');
      } finally {
        await stage.api.query('drop function credits.refuse_here() cascade');
      }
      expect(await everyRow(stage.api)).toEqual(before);
      // It was that alone.
      expect((await ask(route, prepared)).status).toBe(route.status);
    });
  },
);

/** What operators did, as the journal has it, in an order that new ones are added to. */
async function sealedActions(api: ApiUnderTest) {
  const rows = await api.query<{ details: string }>(
    `select details from credits.entries where details like '{"operator":%' order by recorded_at, bucket, account_id, seq`,
  );
  return rows.map(({ details }) => JSON.parse(details) as { operator: string; reason: string });
}

/** A digest of what each table has. */
async function everyRow(api: ApiUnderTest): Promise<Record<string, string | null>> {
  const tables = await api.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'credits' and table_type = 'BASE TABLE' order by 1`,
  );
  const digests = await Promise.all(
    tables.map(async ({ name }) => {
      const [row] = await api.query<{ digest: string | null }>(
        `select md5(string_agg(t::text, E'\n' order by t::text)) as digest from credits.${name} t`,
      );
      return [name, row?.digest ?? null] as const;
    }),
  );
  return Object.fromEntries(digests);
}

function ask({ method }: Route, { path, ...call }: Prepared) {
  return stage.api.call(method, path, call);
}
