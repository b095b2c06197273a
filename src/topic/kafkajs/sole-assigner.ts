import kafkajs, { type PartitionAssigner } from "tradetape-kafkajs";

const ASSIGNER = "tradetape-sole";

/**
 * Gives every partition of every topic to one member; the others stand by. What joins topics by symbol needs them in
 * one place, and Kafka's own assigners promise nothing about that.
 */
export const soleAssigner: PartitionAssigner = ({ cluster }) => {
  const protocol = kafkajs.AssignerProtocol;
  return {
    name: ASSIGNER,
    version: 0,
    async assign({ members, topics }) {
      const ids = members.map(({ memberId }) => memberId);
      const owner = [...ids].sort()[0];
      const partitions = (topic: string) => cluster.findTopicPartitionMetadata(topic).map((p) => p.partitionId);
      const all = Object.fromEntries(topics.map((topic) => [topic, partitions(topic)]));
      return ids.map((memberId) => {
        const assignment = memberId === owner ? all : {};
        const memberAssignment = protocol.MemberAssignment.encode({
          version: 0,
          assignment,
          userData: Buffer.alloc(0),
        });
        return { memberId, memberAssignment };
      });
    },
    protocol: ({ topics }) => ({
      name: ASSIGNER,
      metadata: protocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
    }),
  };
};
