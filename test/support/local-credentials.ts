/** What SDK clients need to sign with and emulators do not look at. */
export const localCredentials = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};
