import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Router } from 'express';
import { ALL_ROUTES } from '../contract/all-routes.ts';
import { getOpenApi, getReference } from '../contract/system.ts';
import { openApiOf } from '../openapi.ts';
import { REFERENCE_STYLE, referencePage } from '../reference-page.ts';
import { Serving } from '../serve.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The contract, for machines and for people: for anybody. */
export function referenceRoutes(publicUrl: string): Router {
  const document = openApiOf(ALL_ROUTES, version, publicUrl);
  const json = JSON.stringify(document);
  const page = referencePage(ALL_ROUTES, document);
  const styleHash = createHash('sha256').update(REFERENCE_STYLE).digest('base64');
  return new Serving(NOBODY)
    .handle(getOpenApi, (_request, response) => void response.type('application/json').send(json))
    .handle(getReference, (_request, response) => {
      response.set(
        'Content-Security-Policy',
        `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      );
      response.type('html').send(page);
    })
    .refuseOtherMethods();
}

/** These routes show nobody's data, so nobody has to say who they are. */
const NOBODY = {
  authenticateKey: async () => null,
  authenticateSession: async () => null,
  authenticateService: async () => null,
  authenticateOperator: async () => null,
};
