package dev.marmot.node.control;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;

/**
 * Control messages as JSON, for scripts: every field is there, except a message within that is not
 * set; lowerCamelCase, and 64-bit numbers are numbers. (Protobuf's own mapping writes them as
 * texts, which no shell script expects.) Pure functions.
 */
public final class ProtoJson {
  private ProtoJson() {}

  /** Indented text, fields in the order of their declaration. */
  public static String pretty(MessageOrBuilder message) {
    return object(message).encodePrettily();
  }

  /** The same on one line. */
  public static String line(MessageOrBuilder message) {
    return object(message).encode();
  }

  /** A list of messages, indented. */
  public static String pretty(List<? extends MessageOrBuilder> messages) {
    JsonArray array = new JsonArray();
    messages.forEach(message -> array.add(object(message)));
    return array.encodePrettily();
  }

  /** What a command that was told {@code --json} says on standard error when it fails; one line. */
  public static String failure(int code, String kind, String message) {
    JsonObject error = new JsonObject().put("code", code).put("kind", kind).put("message", message);
    return new JsonObject().put("error", error).encode();
  }

  static JsonObject object(MessageOrBuilder message) {
    JsonObject object = new JsonObject();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      boolean absent =
          field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
              && !field.isRepeated()
              && !message.hasField(field);
      if (!absent) {
        object.put(field.getJsonName(), value(field, message.getField(field)));
      }
    }
    return object;
  }

  private static Object value(FieldDescriptor field, Object value) {
    if (field.isRepeated()) {
      JsonArray array = new JsonArray();
      for (Object element : (List<?>) value) {
        array.add(single(field, element));
      }
      return array;
    }
    return single(field, value);
  }

  private static Object single(FieldDescriptor field, Object value) {
    return switch (field.getType()) {
      case MESSAGE, GROUP -> object((Message) value);
      case ENUM -> ((EnumValueDescriptor) value).getName();
      case UINT32, FIXED32 -> Integer.toUnsignedLong((Integer) value);
      default -> value;
    };
  }
}
