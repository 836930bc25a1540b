import workerpool from 'workerpool';
import { burn, hang, noop, where } from '../jobs.ts';

const giveBack = (bytes: Uint8Array): unknown => new workerpool.Transfer(bytes, [bytes.buffer]);

workerpool.worker({ burn, giveBack, hang, noop, where });
