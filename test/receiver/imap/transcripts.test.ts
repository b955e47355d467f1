/** The transcripts against the memory session. */
import { StagedMemory } from '../../support/staged-memory.ts';
import { testTranscripts } from '../../support/staged-transcripts.ts';

testTranscripts('the memory session', () => new StagedMemory());
