import type { RequestHandler } from 'express';
import helmet from 'helmet';

const NONE = ["'none'"];
const SELF = ["'self'"];

/** What protects a browser that reads an answer: nothing may be loaded but our own files, and nobody may frame them. */
export const securityHeaders: RequestHandler = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': NONE,
      'script-src': SELF,
      'style-src': SELF,
      'connect-src': SELF,
      'base-uri': NONE,
      'form-action': NONE,
      'frame-ancestors': NONE,
    },
  },
  xFrameOptions: { action: 'deny' },
  // Of this host alone: what else the operator has under the domain is not ours to decide.
  strictTransportSecurity: { maxAge: 365 * 86_400, includeSubDomains: false },
});
