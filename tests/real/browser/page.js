// Holds one conversation at a time through ElevenLabs' own client, and reports each of its callbacks
// to `report(name, value)`, which the test has put into the page.
"use strict";

// All callbacks of @elevenlabs/client 1.25.0 but onIncomingEvent and onOutgoingEvent, which would
// repeat everything, and onUnhandledClientToolCall, which changes what the client does.
const CALLBACKS = [
  "onConnect",
  "onDisconnect",
  "onError",
  "onMessage",
  "onAudio",
  "onModeChange",
  "onStatusChange",
  "onCanSendFeedbackChange",
  "onVadScore",
  "onMCPToolCall",
  "onMCPConnectionStatus",
  "onAgentToolRequest",
  "onAgentToolResponse",
  "onConversationMetadata",
  "onAsrInitiationMetadata",
  "onInterruption",
  "onAgentResponseCorrection",
  "onAgentChatResponsePart",
  "onAgentReasoningResponsePart",
  "onRichContent",
  "onAudioAlignment",
  "onGuardrailTriggered",
  "onAgentTyping",
  "onExternalAgentConnected",
  "onExternalAgentDisconnected",
  "onPing",
  "onContextUsage",
  "onDebug",
];

let conversation;

// Starts with the client's own options, as far as they are JSON; gives what the start came to. Of
// `clientTools`, the values are what the tools return; their calls are reported as `clientTool`.
async function startConversation({ clientTools = {}, ...options }) {
  const callbacks = Object.fromEntries(
    CALLBACKS.map((name) => [name, (value) => report(name, value ?? null)]),
  );
  const tools = Object.fromEntries(
    Object.entries(clientTools).map(([name, result]) => [
      name,
      (parameters) => {
        report("clientTool", { name, parameters });
        return result;
      },
    ]),
  );
  try {
    conversation = await ElevenLabsClient.Conversation.startSession({
      ...options,
      ...callbacks,
      clientTools: tools,
    });
    return { conversationId: conversation.getId(), type: conversation.type };
  } catch (error) {
    return {
      error: error.name,
      message: error.message,
      closeCode: error.closeCode,
      closeReason: error.closeReason,
    };
  }
}

// Calls one of the conversation's methods.
async function callConversation(method, values) {
  return await conversation[method](...values);
}
